-- metric_in_catalog: every published metric is defined in metric_catalog.
-- severity: error
-- table: fct_metric
SELECT DISTINCT metric
FROM fct_metric
WHERE definition_version IS NULL
