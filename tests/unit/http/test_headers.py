from rolecall.http.headers import MACHINE_POLICY, PAGE_POLICY, protected


def test_every_answer_forbids_sniffing_framing_and_referrers():
    headers = dict(protected([], https=False))
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]


def test_strict_transport_is_demanded_over_https_only():
    assert b"strict-transport-security" not in dict(protected([], https=False))
    assert dict(protected([], https=True))[b"strict-transport-security"] == b"max-age=31536000"


def test_what_an_answer_says_itself_stays():
    headers = protected([(b"Content-Security-Policy", PAGE_POLICY.encode()), (b"etag", b"1")], https=True)
    assert [value for name, value in headers if name.lower() == b"content-security-policy"] == [PAGE_POLICY.encode()]
    assert (b"etag", b"1") in headers


def test_neither_policy_lets_anything_inline_or_any_script_run():
    for policy in (MACHINE_POLICY, PAGE_POLICY):
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "script-src" not in policy
