-- newest_export_is_loaded: no newest export of an object was refused whole; where one was, what it feeds stays as of the last good export, and the metrics that need it are stale.
-- severity: warning
-- table: export_profile
-- next: `partnerhealth check` tells how the refused export differs; correct it, or the contract in its mapping
SELECT feed.table_name, feed.newest_on, metric.metric
FROM intermediate.int_feed AS feed
LEFT JOIN metric_catalog AS metric ON list_contains(string_split(metric.feeds, ', '), feed.table_name)
WHERE feed.is_held
