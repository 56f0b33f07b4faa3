-- rpt_partner_expectation: what may be expected of each partner, as its page and its review tell it.
-- grain: partner x purpose
-- key: partner_id, purpose
-- partner_id VARCHAR: partner
-- purpose VARCHAR: first_revenue (signed and without revenue) or next_quarter
-- title VARCHAR: what it is about
-- explanation VARCHAR: the expectation in words, or why there is none
-- status VARCHAR: expected, or why there is no number
-- method VARCHAR: what made the number
-- period VARCHAR: the fiscal quarter, for next_quarter
-- unit VARCHAR: days until first revenue, or money
-- value DOUBLE: the number; null where it is not reached or there is none
-- low DOUBLE: lower end of its interval, 95% for days and 80% for money
-- high DOUBLE: upper end
-- verdict VARCHAR: how the method did against its baseline later in time, as in expectation_card
-- caution VARCHAR: what to bear in mind
-- note: a partner without revenue has no next quarter to expect
WITH cards AS (
    SELECT purpose, verdict, note FROM expectation_card
),

waits AS (
    SELECT
        partner_id,
        'first_revenue' AS purpose,
        'First revenue' AS title,
        explanation,
        status,
        method,
        CAST(NULL AS VARCHAR) AS period,
        'days' AS unit,
        remaining_days AS value,
        remaining_days_low AS low,
        remaining_days_high AS high
    FROM score_partner_first_revenue
),

quarters AS (
    SELECT
        partner_id,
        'next_quarter' AS purpose,
        'Next quarter (' || quarter || ')' AS title,
        explanation,
        status,
        method,
        quarter AS period,
        'money' AS unit,
        expected AS value,
        low,
        high
    FROM score_partner_next_quarter
    WHERE partner_id NOT IN (SELECT partner_id FROM waits)
),

expectations AS (
    SELECT * FROM waits
    UNION ALL
    SELECT * FROM quarters
),

final AS (
    SELECT
        expectations.partner_id,
        expectations.purpose,
        expectations.title,
        expectations.explanation,
        expectations.status,
        expectations.method,
        expectations.period,
        expectations.unit,
        expectations.value,
        expectations.low,
        expectations.high,
        cards.verdict,
        CASE WHEN expectations.status = 'expected' THEN cards.note END AS caution
    FROM expectations
    LEFT JOIN cards ON expectations.purpose = cards.purpose
)

SELECT * FROM final
