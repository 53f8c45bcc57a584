from rolecall.telemetry.metrics import CONTENT_TYPE, Metrics


def rendered(metrics):
    return metrics.render().decode()


def test_requests_are_counted_by_method_route_and_status():
    metrics = Metrics()
    metrics.observe_request(method="GET", route="/scim/v2/Users/{id}", status=200, seconds=0.002)
    metrics.observe_request(method="GET", route="/scim/v2/Users/{id}", status=200, seconds=0.3)
    text = rendered(metrics)
    assert 'rolecall_http_requests_total{method="GET",route="/scim/v2/Users/{id}",status="200"} 2.0' in text
    assert 'request_seconds_bucket{le="0.0025",method="GET",route="/scim/v2/Users/{id}"} 1.0' in text


def test_invented_methods_share_one_row():
    metrics = Metrics()
    for method in ("BREW", "X" * 1000):
        metrics.observe_request(method=method, route="unmatched", status=405, seconds=0.001)
    assert 'rolecall_http_requests_total{method="other",route="unmatched",status="405"} 2.0' in rendered(metrics)


def test_commits_are_counted_by_how_many_changes_they_held():
    metrics = Metrics()
    metrics.observe_batch(3)
    assert 'rolecall_write_batch_changes_bucket{le="2.0"} 0.0' in rendered(metrics)
    assert 'rolecall_write_batch_changes_bucket{le="4.0"} 1.0' in rendered(metrics)


def test_two_rolecalls_in_one_process_do_not_share_figures():
    first, second = Metrics(), Metrics()
    first.observe_batch(1)
    assert "rolecall_write_batch_changes_count 0.0" in rendered(second)


def test_the_content_type_is_the_text_format_of_prometheus():
    assert CONTENT_TYPE.startswith("text/plain")
