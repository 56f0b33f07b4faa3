-- feature_is_finite: every churn feature is a finite number; tier_rank and median_gap_days may be missing.
-- severity: error
-- table: fct_partner_month_feature
WITH long AS (
    SELECT partner_id, snapshot_on, unnest([
        {'feature': 'recency_gaps', 'x': recency_gaps},
        {'feature': 'days_since_last_event', 'x': days_since_last_event},
        {'feature': 'median_gap_days', 'x': coalesce(median_gap_days, 0)},
        {'feature': 'revenue_trend', 'x': revenue_trend},
        {'feature': 'activity_trend', 'x': activity_trend},
        {'feature': 'open_pipeline_log', 'x': open_pipeline_log},
        {'feature': 'open_pipeline_age_days', 'x': open_pipeline_age_days},
        {'feature': 'people_trend', 'x': people_trend},
        {'feature': 'days_since_activity_log', 'x': days_since_activity_log},
        {'feature': 'cert_share', 'x': cert_share},
        {'feature': 'certs_expiring_90d', 'x': certs_expiring_90d},
        {'feature': 'late_answer_share', 'x': late_answer_share},
        {'feature': 'lost_streak', 'x': lost_streak},
        {'feature': 'meetings_90d', 'x': meetings_90d},
        {'feature': 'fund_use_180d', 'x': fund_use_180d},
        {'feature': 'psat_latest', 'x': psat_latest},
        {'feature': 'psat_missing', 'x': psat_missing},
        {'feature': 'cases_escalated_90d', 'x': cases_escalated_90d},
        {'feature': 'returned_partner', 'x': returned_partner},
        {'feature': 'tenure_0_2', 'x': tenure_0_2},
        {'feature': 'tenure_3_5', 'x': tenure_3_5},
        {'feature': 'tenure_6_11', 'x': tenure_6_11},
        {'feature': 'tenure_12_23', 'x': tenure_12_23},
        {'feature': 'tier_rank', 'x': coalesce(tier_rank, 0)}
    ], recursive := TRUE)
    FROM fct_partner_month_feature
)

SELECT partner_id, snapshot_on, feature, x
FROM long
WHERE x IS NULL OR NOT isfinite(x)
