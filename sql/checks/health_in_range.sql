-- health_in_range: health, engagement and points lie between 0 and 100, and no partner is scored that is not in the programme.
-- severity: error
-- table: fct_partner_health_night
SELECT health.partner_id, health.snapshot_on, health.health_score, health.engagement_score
FROM fct_partner_health_night AS health
LEFT JOIN intermediate.int_partner_stage_at AS stage_at
    ON health.partner_id = stage_at.partner_id AND health.snapshot_on = stage_at.snapshot_on
WHERE
    NOT coalesce(health.health_score BETWEEN 0 AND 100.01, TRUE)
    OR NOT coalesce(health.engagement_score BETWEEN 0 AND 100.01, TRUE)
    OR NOT coalesce(stage_at.is_enrolled, FALSE)
