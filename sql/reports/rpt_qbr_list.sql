-- rpt_qbr_list: what to talk about with a partner: stalled deals, our late answers, what expires, and what the numbers say.
-- grain: partner x list x item
-- key: partner_id, list, item_no
-- partner_id VARCHAR: partner
-- list VARCHAR: talking_point, stalled_deal, late_registration, expiring_certificate or expiring_agreement
-- item_no BIGINT: order in the list, most important first
-- title VARCHAR: what it is about
-- detail VARCHAR: the facts, in words
-- due_on DATE: the day that matters; null where there is none
-- amount_base DECIMAL(18,4): amount at stake in the reporting currency; null where there is none
-- ref_id VARCHAR: native key of the record; the metric for talking points
-- note: talking points: the three numbers of the newest quarter that moved most, by share, against the year before
--   (the quarter before where there is none), and our own lateness; arithmetic only, and only of numbers that are not
--   too few to be ranked
-- note: registrations of the last 180 days; certificates and agreements that end within 90 days
WITH partners AS (
    SELECT partner_id FROM dim_partner WHERE exited_on IS NULL
),

stalled AS (
    SELECT
        role.partner_id,
        'stalled_deal' AS list,
        row_number() OVER (PARTITION BY role.partner_id ORDER BY deal.amount_base DESC NULLS LAST, deal.deal_id) AS item_no,
        coalesce(deal.deal_name, deal.deal_id) AS title,
        'in stage ' || stall.stage || ' for ' || stall.days_in_stage || ' days'
        || CASE WHEN stall.stays >= 20 THEN ' (3 of 4 deals leave it within ' || CAST(round(stall.limit_days, 0) AS BIGINT) || ')' ELSE '' END
        || ', no progress for ' || stall.days_quiet || ' days' AS detail,
        exported.expected_close_on AS due_on,
        deal.amount_base,
        deal.deal_id AS ref_id
    FROM intermediate.int_deal_stall AS stall
    INNER JOIN intermediate.int_deal AS deal ON stall.deal_id = deal.deal_id
    INNER JOIN canonical.opportunity AS exported ON deal.deal_id = exported.opportunity_id
    INNER JOIN (SELECT DISTINCT deal_id, partner_id FROM intermediate.int_deal_partner) AS role ON deal.deal_id = role.deal_id
),

answers AS (
    SELECT
        registration.partner_id,
        registration.deal_reg_id,
        registration.customer_name,
        registration.submitted_at,
        least(registration.first_response_at, registration.decided_at) AS answered_at,
        registration.amount,
        registration.currency,
        s.sla_response_hours,
        s.as_of_end,
        s.currency_base,
        registration.submitted_at + to_hours(s.sla_response_hours) AS due_at,
        CAST(((registration.submitted_at + to_hours(s.sla_response_hours)) AT TIME ZONE 'UTC') AT TIME ZONE s.timezone AS DATE) AS due_on
    FROM canonical.deal_registration AS registration
    CROSS JOIN run_settings AS s
    WHERE
        NOT registration._deleted
        AND registration.status NOT IN ('draft', 'withdrawn')
        AND registration.submitted_at < s.as_of_end
        AND registration.submitted_at >= s.as_of_end - INTERVAL '180' DAY
        AND registration.submitted_at + to_hours(s.sla_response_hours) <= s.as_of_end
        -- Decided without a time: nobody can say whether it was late.
        AND (
            registration.first_response_at IS NOT NULL
            OR registration.decided_at IS NOT NULL
            OR registration.status IN ('submitted', 'in_review')
        )
),

judged AS (
    SELECT
        *,
        coalesce(answered_at < as_of_end, FALSE) AS is_answered,
        coalesce(answered_at > due_at, TRUE) AS is_late,
        CAST(
            ceil(date_diff('second', submitted_at, least(coalesce(answered_at, as_of_end), as_of_end)) / 3600.0) AS BIGINT
        ) AS hours
    FROM answers
),

late AS (
    SELECT
        partner_id,
        'late_registration' AS list,
        row_number() OVER (PARTITION BY partner_id ORDER BY is_answered, hours DESC, deal_reg_id) AS item_no,
        coalesce(customer_name, deal_reg_id) AS title,
        CASE WHEN is_answered THEN 'answered after ' ELSE 'not answered for ' END || hours || ' hours; promised within '
        || sla_response_hours AS detail,
        due_on,
        CASE WHEN currency = currency_base THEN amount END AS amount_base,
        deal_reg_id AS ref_id
    FROM judged
    WHERE is_late
),

awards AS (
    SELECT
        award.*,
        CAST(((award.expires_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS expires_on,
        s.as_of
    FROM canonical.certification AS award
    CROSS JOIN run_settings AS s
    WHERE NOT award._deleted AND award.status <> 'revoked' AND award.issued_at < s.as_of_end
),

certificates AS (
    SELECT
        partner_id,
        'expiring_certificate' AS list,
        row_number() OVER (PARTITION BY partner_id ORDER BY expires_at, award_id) AS item_no,
        coalesce(cert_name, cert_code) AS title,
        'expires in ' || (expires_on - as_of) || CASE WHEN expires_on = as_of + 1 THEN ' day' ELSE ' days' END AS detail,
        expires_on AS due_on,
        NULL AS amount_base,
        award_id AS ref_id
    FROM awards
    WHERE expires_on > as_of AND expires_on <= as_of + 90
),

agreements AS (
    SELECT
        agreement.partner_id,
        'expiring_agreement' AS list,
        row_number() OVER (PARTITION BY agreement.partner_id ORDER BY agreement.end_on, agreement.agreement_id) AS item_no,
        replace(agreement.kind, '_', ' ') AS title,
        'ends in ' || (agreement.end_on - s.as_of) || CASE WHEN agreement.end_on = s.as_of + 1 THEN ' day' ELSE ' days' END
        || CASE
            WHEN agreement.auto_renew AND agreement.notice_days IS NOT NULL
                THEN '; renews by itself unless notice is given ' || agreement.notice_days || ' days before'
            WHEN agreement.auto_renew THEN '; renews by itself'
            ELSE '; does not renew by itself'
        END AS detail,
        agreement.end_on AS due_on,
        NULL AS amount_base,
        agreement.agreement_id AS ref_id
    FROM canonical.agreement AS agreement
    CROSS JOIN run_settings AS s
    WHERE
        NOT agreement._deleted
        AND agreement.status = 'active'
        AND agreement.end_on > s.as_of
        AND agreement.end_on <= s.as_of + 90
),

newest AS (
    SELECT
        review.*,
        coalesce(review.year_ago_value, review.previous_value) AS base_value,
        CASE
            WHEN review.year_ago_value IS NOT NULL AND review.is_partial THEN 'the same days a year ago'
            WHEN review.year_ago_value IS NOT NULL THEN 'the same quarter a year ago'
            WHEN review.is_partial THEN 'the same days of the quarter before'
            ELSE 'the quarter before'
        END AS base_name,
        s.currency_base
    FROM rpt_qbr_partner_quarter AS review
    CROSS JOIN run_settings AS s
    WHERE
        review.metric IN ('bookings', 'sourced_pipeline', 'influenced_revenue', 'win_rate', 'sales_cycle_days')
        AND review.period IN (
            SELECT period FROM intermediate.int_fiscal_period WHERE period_kind = 'quarter' ORDER BY period_start DESC LIMIT 1
        )
        AND review.status IN ('ok', 'low_coverage')
        AND review.value IS NOT NULL
),

-- The moves that can be put in words: against something that is not zero, by at least a tenth.
moves AS (
    SELECT
        *,
        value / base_value - 1 AS change,
        row_number() OVER (PARTITION BY partner_id ORDER BY abs(value / base_value - 1) DESC, metric) AS item_no
    FROM newest
    WHERE base_value > 0 AND abs(value / base_value - 1) >= 0.1
),

worded AS (
    SELECT
        *,
        CASE unit
            WHEN 'money' THEN currency_base || ' ' || format('{:,d}', CAST(round(value, 0) AS BIGINT))
            WHEN 'ratio' THEN CAST(round(100 * value, 0) AS BIGINT) || ' %'
            ELSE CAST(round(value, 0) AS BIGINT) || ' days'
        END AS value_text,
        CASE unit
            WHEN 'money' THEN currency_base || ' ' || format('{:,d}', CAST(round(base_value, 0) AS BIGINT))
            WHEN 'ratio' THEN CAST(round(100 * base_value, 0) AS BIGINT) || ' %'
            ELSE CAST(round(base_value, 0) AS BIGINT) || ' days'
        END AS base_text
    FROM moves
    WHERE item_no <= 3
),

number_points AS (
    SELECT
        partner_id,
        'talking_point' AS list,
        item_no,
        metric_name || CASE
            WHEN unit <> 'money' THEN ' ' || value_text || ', was ' || base_text
            WHEN value = 0 THEN ': none'
            WHEN change >= 2 THEN ' ' || CAST(round(change + 1, 0) AS BIGINT) || ' times as high'
            WHEN change < 0 THEN ' down ' || CAST(round(-100 * change, 0) AS BIGINT) || ' %'
            ELSE ' up ' || CAST(round(100 * change, 0) AS BIGINT) || ' %'
        END AS title,
        period || ': ' || value_text || ', ' || base_name || ': ' || base_text
        || CASE WHEN unit = 'ratio' THEN ' (' || CAST(numerator AS BIGINT) || ' of ' || CAST(denominator AS BIGINT) || ')' ELSE '' END
        || CASE WHEN status = 'low_coverage' THEN '; low coverage, records of unknown partners are missing' ELSE '' END AS detail,
        NULL AS due_on,
        amount AS amount_base,
        metric AS ref_id
    FROM worded
),

late_points AS (
    SELECT
        partner_id,
        'talking_point' AS list,
        4 AS item_no,
        'We answered ' || count(*) FILTER (WHERE is_late) || ' of ' || count(*) || ' registrations late' AS title,
        'in the last 180 days; promised within ' || max(sla_response_hours) || ' hours' AS detail,
        NULL AS due_on,
        NULL AS amount_base,
        'responded_share' AS ref_id
    FROM judged
    GROUP BY partner_id
    HAVING count(*) FILTER (WHERE is_late) > 0
),

items AS (
    SELECT * FROM stalled
    UNION ALL
    SELECT * FROM late
    UNION ALL
    SELECT * FROM certificates
    UNION ALL
    SELECT * FROM agreements
    UNION ALL
    SELECT * FROM number_points
    UNION ALL
    SELECT * FROM late_points
),

final AS (
    SELECT
        items.partner_id,
        items.list,
        CAST(row_number() OVER (PARTITION BY items.partner_id, items.list ORDER BY items.item_no) AS BIGINT) AS item_no,
        items.title,
        items.detail,
        CAST(items.due_on AS DATE) AS due_on,
        CAST(items.amount_base AS DECIMAL(18, 4)) AS amount_base,
        items.ref_id
    FROM items
    INNER JOIN partners ON items.partner_id = partners.partner_id
)

SELECT * FROM final
