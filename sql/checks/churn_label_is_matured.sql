-- churn_label_is_matured: a feature row has a label exactly where its horizon is over for both labels, and never tonight's.
-- severity: error
-- table: fct_partner_month_feature
SELECT feature.partner_id, feature.snapshot_on, feature.is_usable, feature.label
FROM fct_partner_month_feature AS feature
CROSS JOIN run_settings AS s
WHERE
    (feature.label IS NOT NULL) <> feature.is_usable
    OR (feature.is_usable AND feature.snapshot_on + s.churn_horizon_days > s.as_of + 1)
    OR (feature.is_usable AND NOT feature.is_at_risk)
    OR feature.label NOT IN (0, 1)
