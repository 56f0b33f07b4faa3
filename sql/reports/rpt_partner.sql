-- rpt_partner: who each partner is and how it stands tonight, as the overview and the partner's page show it.
-- grain: partner
-- key: partner_id
-- partner_id VARCHAR: partner
-- partner_name VARCHAR: name of the organisation
-- partner_type VARCHAR: what the partner does in the programme
-- segment VARCHAR: segment in which the programme compares the partner
-- tier_code VARCHAR: tier in the programme
-- region VARCHAR: sales region
-- status VARCHAR: where the relationship stands, as the source states it
-- owner_key VARCHAR: partner manager who owns the relationship
-- owner_name VARCHAR: name of the partner manager; the key where no name is known
-- stage VARCHAR: lifecycle stage
-- days_in_stage INTEGER: days since the stage was entered
-- is_stalled BOOLEAN: longer in the stage than most and without progress
-- health_score DOUBLE: health, 0 to 100; null where there is none
-- engagement_score DOUBLE: engagement, 0 to 100
-- health_28d_median DOUBLE: median health of the 28 nights before
-- health_status VARCHAR: why health is absent, or scored
-- score_status VARCHAR: why the churn probability is absent, or scored
-- probability DOUBLE: probability of churn within the horizon
-- low DOUBLE: lower end of its 95% interval
-- high DOUBLE: upper end of its 95% interval
-- band VARCHAR: risk band
-- reason_1 VARCHAR: what raises the risk most, in words
-- reason_2 VARCHAR: second reason
-- reason_3 VARCHAR: third reason
-- lowers_1 VARCHAR: what lowers the risk most, in words
-- lowers_2 VARCHAR: what lowers it next
-- trailing_revenue_base DECIMAL(18,4): revenue of the trailing 365 days
-- open_pipeline_base DECIMAL(18,4): open pipeline that the partner sourced
-- last_commercial_on DATE: last registration, sourced deal or won deal
WITH partners AS (
    SELECT * FROM dim_partner
),

stages AS (
    SELECT partner_id, stage, days_in_stage, is_stalled FROM fct_partner_stage
),

health AS (
    SELECT partner_id, health_score, engagement_score, health_28d_median, status FROM score_partner_health
),

churn AS (
    SELECT partner_id, status, probability, low, high, band, reason_1, reason_2, reason_3, lowers_1, lowers_2
    FROM score_partner_churn
),

final AS (
    SELECT
        partners.partner_id,
        partners.partner_name,
        partners.partner_type,
        partners.segment,
        partners.tier_code,
        partners.region,
        partners.status,
        partners.owner_key,
        coalesce(partners.owner_name, partners.owner_key) AS owner_name,
        stages.stage,
        stages.days_in_stage,
        stages.is_stalled,
        health.health_score,
        health.engagement_score,
        health.health_28d_median,
        health.status AS health_status,
        churn.status AS score_status,
        churn.probability,
        churn.low,
        churn.high,
        churn.band,
        churn.reason_1,
        churn.reason_2,
        churn.reason_3,
        churn.lowers_1,
        churn.lowers_2,
        partners.trailing_revenue_base,
        partners.open_pipeline_base,
        partners.last_commercial_on
    FROM partners
    LEFT JOIN stages ON partners.partner_id = stages.partner_id
    LEFT JOIN health ON partners.partner_id = health.partner_id
    LEFT JOIN churn ON partners.partner_id = churn.partner_id
)

SELECT * FROM final
