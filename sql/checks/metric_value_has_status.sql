-- metric_value_has_status: a metric without a value says why, and one with status ok has a value.
-- severity: error
-- table: fct_metric
SELECT metric, scope_kind, scope_id, period, value, status
FROM fct_metric
WHERE status IS NULL OR (status = 'ok' AND value IS NULL)
