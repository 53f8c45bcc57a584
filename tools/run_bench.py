"""How fast is a fresh server on this machine? Starts one in a temporary folder and measures it with bench/scim_load.py.

`make bench`, or `python tools/run_bench.py --users 1000 --seconds 2`: options go to the load generator.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
COMMAND = Path(sys.executable).with_name("rolecall")


def main() -> int:
    """Start a server, measure it, and stop it."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="rolecall-bench-") as folder:
        data = ["--data-dir", folder]
        serve = [str(COMMAND), "serve", "--port", str(port), *data, "--log-level", "warning"]
        with subprocess.Popen(serve) as server:
            try:
                _wait_for(port, server)
                setup = subprocess.run(
                    [str(COMMAND), "admin", "scim-setup", *data, "--json"], check=True, capture_output=True, text=True
                )
                key = str(json.loads(setup.stdout)["api_key"])
                load = [sys.executable, str(ROOT / "bench" / "scim_load.py"), f"http://127.0.0.1:{port}/scim/v2", key]
                return subprocess.run([*load, "--pid", str(server.pid), *sys.argv[1:]], check=False).returncode
            finally:
                server.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The server did not start.")


if __name__ == "__main__":
    sys.exit(main())
