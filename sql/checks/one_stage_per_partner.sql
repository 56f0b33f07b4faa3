-- one_stage_per_partner: every partner stands in exactly one lifecycle stage, and only partners do.
-- severity: error
-- table: fct_partner_stage
WITH stages AS (
    SELECT partner_id, count(*) AS stages FROM fct_partner_stage GROUP BY partner_id
)

SELECT coalesce(partner.partner_id, stages.partner_id) AS partner_id, coalesce(stages.stages, 0) AS stages
FROM dim_partner AS partner
FULL JOIN stages ON partner.partner_id = stages.partner_id
WHERE partner.partner_id IS NULL OR coalesce(stages.stages, 0) <> 1
