-- health_contributions_add_up: the contributions of a partner's signals add up to its health and its engagement.
-- severity: error
-- table: fct_health_signal
WITH sums AS (
    SELECT
        partner_id,
        sum(CAST(contribution AS DECIMAL(18, 4))) AS health_sum,
        sum(CAST(engagement_contribution AS DECIMAL(18, 4))) AS engagement_sum
    FROM fct_health_signal
    GROUP BY partner_id
)

SELECT score.partner_id, score.health_score, sums.health_sum, score.engagement_score, sums.engagement_sum
FROM score_partner_health AS score
LEFT JOIN sums ON score.partner_id = sums.partner_id
WHERE
    CAST(score.health_score AS DECIMAL(18, 4)) IS DISTINCT FROM
    CASE WHEN score.health_score IS NOT NULL THEN sums.health_sum END
    OR CAST(score.engagement_score AS DECIMAL(18, 4)) IS DISTINCT FROM
    CASE WHEN score.engagement_score IS NOT NULL THEN sums.engagement_sum END
