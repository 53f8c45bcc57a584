"""Which imports does the house forbid that import-linter's own contract types cannot describe?"""

from collections.abc import Iterable
from typing import ClassVar, TypeAlias

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules

Chain: TypeAlias = tuple[str, ...]
"""Module names: the importer first, then what each one imports."""


class HouseContract(Contract):
    """A contract that is broken by chains of imports, which it prints."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001  # their signature
        """Return whether the contract is kept, with the chains that break it."""
        chains = sorted(self.find_illegal_chains(graph))
        return ContractCheck(kept=not chains, metadata={"chains": chains})

    def find_illegal_chains(self, graph: ImportGraph) -> Iterable[Chain]:
        """Yield each chain of imports that breaks the contract."""
        raise NotImplementedError

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the chains."""
        for chain in check.metadata["chains"]:
            output.print_error(f"- {' -> '.join(chain)}", bold=False)
        output.new_line()


class RoomPrivacy(HouseContract):
    """Modules of certain names belong to the package they lie in: nobody outside imports them.

    `exceptions` has items of the form `package -> name`: that package may import modules of that name.
    """

    type_name: ClassVar[str] = "room_privacy"

    names = fields.SetField(subfield=fields.StringField())
    exceptions = fields.SetField(subfield=fields.StringField(), required=False)

    def find_illegal_chains(self, graph: ImportGraph) -> Iterable[Chain]:
        """Yield importer and imported, where the imported module is private to a room that is not the importer's."""
        names = _texts(self.names)
        exceptions = [item.split(" -> ") for item in _texts(self.exceptions)]
        for private in graph.modules:
            room, name = _split_at(private, names)
            if not name:
                continue
            allowed = [room, *(package for package, excepted in exceptions if excepted == name)]
            for importer in graph.find_modules_that_directly_import(private):
                if not any(_is_within(importer, package) for package in allowed):
                    yield importer, private


class Purity(HouseContract):
    """Modules reach no library but the listed ones, not even through other modules of ours.

    A list of what is allowed, and not of what is forbidden: a library does I/O until somebody has looked.
    """

    type_name: ClassVar[str] = "purity"

    modules = fields.SetField(subfield=fields.ModuleExpressionField())
    allowed_libraries = fields.SetField(subfield=fields.StringField())

    def find_illegal_chains(self, graph: ImportGraph) -> Iterable[Chain]:
        """Yield the shortest chain from each of the modules to each library that it should not reach."""
        allowed = _texts(self.session_options["root_packages"]) | _texts(self.allowed_libraries)
        for module in _resolve(graph, self.modules):
            for upstream in graph.find_upstream_modules(module):
                if upstream.partition(".")[0] in allowed:
                    continue
                yield graph.find_shortest_chain(importer=module, imported=upstream) or (module, upstream)


class ReservedModules(HouseContract):
    """Only the listed importers import certain modules or libraries directly, whether or not anybody does yet."""

    type_name: ClassVar[str] = "reserved_modules"

    modules = fields.SetField(subfield=fields.ModuleExpressionField())
    importers = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)

    def find_illegal_chains(self, graph: ImportGraph) -> Iterable[Chain]:
        """Yield importer and imported, where the importer is not listed."""
        importers = _resolve(graph, self.importers)
        for reserved in _resolve(graph, self.modules):
            for importer in graph.find_modules_that_directly_import(reserved) - importers:
                yield importer, reserved


class OnlyKnows(HouseContract):
    """Modules import, of all our modules, only themselves and the listed ones (each with what lies in it)."""

    type_name: ClassVar[str] = "only_knows"

    modules = fields.SetField(subfield=fields.ModuleExpressionField())
    known = fields.SetField(subfield=fields.ModuleExpressionField())

    def find_illegal_chains(self, graph: ImportGraph) -> Iterable[Chain]:
        """Yield importer and imported, where one of the modules imports another of ours that is not listed."""
        roots = _texts(self.session_options["root_packages"])
        own, known = _resolve(graph, self.modules), _resolve(graph, self.known)
        for importer in own:
            for imported in graph.find_modules_directly_imported_by(importer):
                if imported.partition(".")[0] in roots and imported not in own | known:
                    yield importer, imported


def _resolve(graph: ImportGraph, expressions: object) -> set[str]:
    """Return the modules that the expressions match, with all that lies in them; none where a room is not built yet."""
    given = expressions if isinstance(expressions, set) else set()
    matched = module_expressions_to_modules(graph, given)
    present = {module.name for module in matched} & graph.modules
    return present.union(*(graph.find_descendants(name) for name in present if not graph.is_module_squashed(name)))


def _texts(value: object) -> set[str]:
    """Return the texts of an option, which is a collection, or None where it was left out."""
    return {str(item) for item in value} if isinstance(value, set | list) else set()


def _split_at(module: str, names: set[str]) -> tuple[str, str]:
    """Return what stands before the first part that is one of the names, and that part; or two empty texts."""
    parts = module.split(".")
    for position, part in enumerate(parts):
        if part in names:
            return ".".join(parts[:position]), part
    return "", ""


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
