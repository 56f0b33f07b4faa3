-- churn_expected_in_groups: in every group of partners about as many churned in the held-out quarters as the published churn
--   model expected; a row is a group where chance does not explain the difference, all groups looked at.
-- severity: note
-- table: model_group
-- next: read the risks of these groups with model_group beside them, and rank partners within a group rather than across
SELECT model_id, group_kind, group_name, churned, expected, low, high, q_value
FROM model_group
WHERE status = 'ok' AND q_value <= 0.05
