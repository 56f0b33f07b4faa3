-- manager_list_within_limit: a manager gets no more partners a night than alert.at_most_per_manager, those of the first ranks.
-- severity: error
-- table: rpt_churn_alert
WITH lists AS (
    SELECT owner_key, count(DISTINCT partner_id) AS partners, max(owner_rank) AS last_rank
    FROM rpt_churn_alert
    WHERE is_listed
    GROUP BY owner_key
)

SELECT lists.owner_key, lists.partners, lists.last_rank
FROM lists
CROSS JOIN run_settings AS s
WHERE lists.partners > s.alert_at_most_per_manager OR lists.partners <> lists.last_rank
