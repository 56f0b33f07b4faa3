-- feed_is_fresh: no feed is older than freshness.max_age_days; what needs an old one is carried, then missing, and its alerts are muted (G13).
-- severity: warning
-- table: source_feed
SELECT table_name, newest_on, age_days, is_lost
FROM intermediate.int_feed
WHERE is_stale
