"""The product as people start it: a process of its own on loopback."""

import json
import re
import signal
import ssl
import stat
import subprocess
import time
from contextlib import contextmanager

import httpx2
import pytest

from tests.make.served import environment, free_port, rolecall_command

SECONDS = 30


@contextmanager
def serving(data_dir, *options, scheme="http", **variables):
    """Serve until the block ends; yields the process, its URL and what it printed as welcome."""
    port = free_port()
    command = [*rolecall_command(), "serve", "--port", str(port), "--data-dir", str(data_dir), *options]
    process = subprocess.Popen(
        command,
        env={**environment(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"{scheme}://127.0.0.1:{port}"
    try:
        wait_for(url, process)
        yield process, url
    finally:
        process.kill()
        process.communicate()


def wait_for(url, process):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            if httpx2.get(f"{url}/readyz", verify=False, trust_env=False).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError


def stopped(process, number=signal.SIGTERM):
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


def admin(data_dir, *arguments):
    command = [*rolecall_command(), "admin", *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=True
    ).stdout


def test_a_first_start_prints_a_link_that_works(tmp_path):
    with serving(tmp_path / "data") as (process, url):
        welcome = "".join(process.stdout.readline() for _ in range(6))
        link = re.search(rf"{url}/setup\?token=\S+", welcome)[0]
        assert f"Rolecall is at {url}\n" in welcome
        assert httpx2.get(link, trust_env=False).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_when_it_is_told_to(tmp_path, number):
    with serving(tmp_path / "data") as (process, _):
        code, _, err = stopped(process, number)
    assert code == 0
    # What the start wrote to the audit log is sealed at the latest now, and nothing is wrong.
    (line,) = err.splitlines()
    assert "The audit log has a checkpoint." in line


def test_once_there_is_an_administrator_no_link_is_printed(tmp_path):
    data_dir = tmp_path / "data"
    with serving(data_dir) as (process, url):
        welcome = "".join(process.stdout.readline() for _ in range(6))
        token = re.search(r"setup\?token=(\S+)", welcome)[1]
        person = {"given_name": "Ada", "family_name": "L", "email": "ada@example.com", "token": token}
        assert httpx2.post(f"{url}/setup", data=person, trust_env=False).status_code == 200
        stopped(process)
    with serving(data_dir) as (process, _):
        _, out, _ = stopped(process)
    assert "setup?token" not in out


def test_variables_serve_as_options_and_options_win(tmp_path):
    variables = {"ROLECALL_LOG_FORMAT": "json", "ROLECALL_PUBLIC_URL": "https://from.variable", "ROLECALL_PROT": "1"}
    with serving(tmp_path / "data", "--public-url", "https://from.option", **variables) as (process, url):
        httpx2.get(f"{url}/nowhere", trust_env=False)
        _, out, err = stopped(process)
    assert "Rolecall is at https://from.option\n" in out
    assert f"It listens on {url}\n" in out
    lines = [json.loads(line) for line in err.splitlines()]
    assert "ROLECALL_PROT" in lines[0]["event"]
    assert (lines[1]["path"], lines[1]["status"]) == ("/nowhere", 404)


def test_a_public_url_is_kept_and_a_loopback_one_follows_the_port(tmp_path):
    data_dir = tmp_path / "data"
    admin(data_dir, "scim-setup", "--public-url", "http://127.0.0.1:1")
    for options, kept in (
        ((), None),
        (["--public-url", "https://r.example/"], "https://r.example"),
        ((), "https://r.example"),
    ):
        with serving(data_dir, *options) as (_, url):
            base_url = json.loads(admin(data_dir, "scim-setup", "--json"))["base_url"]
        assert base_url == f"{kept or url}/scim/v2"


def test_a_port_that_is_taken_is_said_and_nothing_is_made(tmp_path):
    with serving(tmp_path / "data") as (_, url):
        port = url.rpartition(":")[2]
        command = [*rolecall_command(), "serve", "--port", port, "--data-dir", str(tmp_path / "other")]
        ended = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 5
    assert f"Cannot listen on 127.0.0.1 port {port}" in ended.stderr
    assert not (tmp_path / "other").exists()


def test_self_signed_https_works_for_whoever_trusts_its_certificate(tmp_path):
    data_dir = tmp_path / "data"
    with serving(data_dir, "--self-signed", scheme="https") as (_, url):
        trusting = ssl.create_default_context(cafile=data_dir / "self-signed-cert.pem")
        answer = httpx2.get(f"{url}/", verify=trusting, trust_env=False)
    assert "strict-transport-security" in answer.headers
    assert f"{url}/scim/v2" in answer.text
    assert stat.S_IMODE((data_dir / "self-signed-key.pem").stat().st_mode) == 0o600


def test_a_certificate_that_cannot_be_read_is_a_usage_error(tmp_path):
    (tmp_path / "c.pem").write_text("no certificate")
    (tmp_path / "k.pem").write_text("no key")
    options = ["--tls-cert", str(tmp_path / "c.pem"), "--tls-key", str(tmp_path / "k.pem")]
    command = [*rolecall_command(), "serve", "--port", str(free_port()), "--data-dir", str(tmp_path / "data"), *options]
    ended = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("rolecall: --tls-cert and --tls-key cannot be used")


def test_behind_a_proxy_with_a_path_links_and_scim_carry_it(tmp_path):
    with serving(tmp_path / "data", "--public-url", "https://example.com/rolecall") as (_, url):
        page = httpx2.get(url, trust_env=False)
        style = re.search(r'href="([^"]+\.css)"', page.text)[1]
        assert style == "/rolecall/assets/rolecall.css"
        assert httpx2.get(url + style.removeprefix("/rolecall"), trust_env=False).status_code == 200
        assert httpx2.get(f"{url}/scim/v2/Users", trust_env=False).status_code == 401
        assert httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200


def test_answers_tell_neither_server_nor_version(tmp_path):
    with serving(tmp_path / "data") as (_, url):
        answer = httpx2.get(url, trust_env=False)
    assert "server" not in answer.headers
    assert "content-security-policy" in answer.headers


def test_a_body_that_is_too_large_gets_its_answer_and_the_connection_goes_on(tmp_path):
    def chunks():
        for _ in range(100):
            yield b"x" * 65536

    data_dir = tmp_path / "data"
    with serving(data_dir, "--max-body-bytes", "100000") as (_, url):
        key = json.loads(admin(data_dir, "scim-setup", "--json"))["api_key"]
        with httpx2.Client(headers={"Authorization": f"Bearer {key}"}, trust_env=False) as client:
            for body in (chunks(), b"x" * 5_000_000):
                answer = client.post(f"{url}/scim/v2/Users", content=body)
                assert (answer.status_code, answer.json()["status"]) == (413, "413")
            assert client.get(f"{url}/scim/v2/Users").status_code == 200


def test_a_declaration_that_cannot_be_used_is_said_and_nothing_is_made(tmp_path):
    declaration = tmp_path / "x.json"
    declaration.write_text('{"schemas": ["urn:x"]}')
    command = [*rolecall_command(), "serve", "--port", str(free_port()), "--data-dir", str(tmp_path / "data")]
    ended = subprocess.run(
        [*command, "--scim-declarations", str(declaration)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 2
    assert f"{declaration}: schemas: must be one of" in ended.stderr
    assert not (tmp_path / "data").exists()
