"""Reads figures as OpenTelemetry's own messages and Prometheus' own parser do, and compares what they say."""

import sys

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from prometheus_client.parser import text_string_to_metric_families

sent, page = sys.argv[1:]
request = ExportMetricsServiceRequest()
request.ParseFromString(open(sent, "rb").read())
[of_resource] = request.resource_metrics
resource = {one.key: one.value.string_value for one in of_resource.resource.attributes}
assert resource["service.name"] == "tenantry", resource
[of_scope] = of_resource.scope_metrics
assert of_scope.scope.name == "tenantry" and of_scope.scope.version, of_scope.scope
told = {}
for metric in of_scope.metrics:
    assert metric.name and metric.unit and metric.description, metric
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind)
    assert data.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE
    for point in data.data_points:
        assert 0 < point.start_time_unix_nano <= point.time_unix_nano
        assert all(one.value.WhichOneof("value") == "string_value" for one in point.attributes)
        if kind == "histogram":
            assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
            assert sum(point.bucket_counts) == point.count
            assert list(point.explicit_bounds) == sorted(point.explicit_bounds)
            value = (point.count, point.sum)
        else:
            assert data.is_monotonic and point.WhichOneof("value") == "as_int"
            value = point.as_int
        labels = frozenset((one.key.replace(".", "_"), one.value.string_value) for one in point.attributes)
        assert (metric.name, labels) not in told, (metric.name, labels)
        told[metric.name, labels] = value

shown = {}
for family in text_string_to_metric_families(open(page).read()):
    assert family.documentation and family.type in ("histogram", "counter"), family
    for sample in family.samples:
        shown[sample.name, frozenset(sample.labels.items())] = sample.value

SUFFIX = {
    "gen_ai.client.operation.duration": "_seconds",
    "gen_ai.client.token.usage": "",
    "tenantry.tool.duration": "_seconds",
    "tenantry.gen_ai.cost": "_micros_total",
    "tenantry.gen_ai.cached_tokens": "_total",
    "tenantry.limit.refused": "_total",
}
assert {name for name, _ in told} <= set(SUFFIX), told
for (name, labels), value in told.items():
    known = name.replace(".", "_") + SUFFIX[name]
    if isinstance(value, tuple):
        assert shown[known + "_count", labels] == value[0], (known, labels)
        assert abs(shown[known + "_sum", labels] - value[1]) < 1e-6, (known, labels)
        assert shown[known + "_bucket", labels | {("le", "+Inf")}] == value[0]
    else:
        assert shown[known, labels] == value, (known, labels)
assert told, "nothing was told"
print("the story is told")
