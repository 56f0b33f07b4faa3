-- alert_can_be_acted_on: every alert names its reason, a next step and a rank, and says why where it is muted.
-- severity: error
-- table: rpt_churn_alert
SELECT alert_id, reason_1, suggestion, priority_rank, is_muted, mute_reason
FROM rpt_churn_alert
WHERE
    coalesce(reason_1, '') = ''
    OR coalesce(suggestion, '') = ''
    OR is_muted <> (mute_reason IS NOT NULL)
    OR is_listed AND is_muted
    OR priority_rank < 1
    OR priority_base < 0
