-- feed_is_fresh: no feed is older than freshness.max_age_days; what needs an old one is carried, then missing, and its alerts are muted (G13).
-- severity: warning
-- table: source_feed
-- next: mend the export of what is old, or raise freshness.max_age_days if it is due less often
SELECT table_name, newest_on, age_days, is_lost
FROM intermediate.int_feed
WHERE is_stale
