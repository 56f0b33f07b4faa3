-- int_contract_end: the days on which a partner's agreement with us ended and nothing followed at once.
-- grain: partner x day
-- key: partner_id, ended_on
-- partner_id VARCHAR: partner
-- ended_on DATE: last day
-- end_kind VARCHAR: contractual, which is churn; or exit, which is not: mergers, migrations, programmes that we closed
-- end_reason VARCHAR: reason as the source states it
-- note: the end of the relationship is the one of int_partner; an end before a later agreement counts where more than 30
--   days lie between them: a renewal signed late is no churn
WITH partners AS (
    SELECT * FROM intermediate.int_partner
),

exit_reasons AS (
    SELECT lower(trim(value)) AS reason FROM setting_list WHERE setting = 'churn.exit_reasons'
),

agreements AS (
    SELECT
        a.partner_id,
        coalesce(a.start_on, a.signed_on) AS start_on,
        a.end_on,
        a.end_reason,
        a.agreement_id
    FROM canonical.agreement AS a
    WHERE
        a.partner_id IS NOT NULL
        AND NOT a._deleted
        AND a.status NOT IN ('draft', 'in_approval')
        AND a.kind IN ('partner_agreement', 'reseller', 'referral', 'msp')
        AND coalesce(a.start_on, a.signed_on) IS NOT NULL
),

ordered_agreements AS (
    SELECT
        *,
        max(coalesce(end_on, DATE '9999-12-31')) OVER (
            PARTITION BY partner_id ORDER BY start_on, agreement_id ROWS UNBOUNDED PRECEDING
        ) AS covered_until_on,
        lead(start_on) OVER (PARTITION BY partner_id ORDER BY start_on, agreement_id) AS next_start_on
    FROM agreements
),

earlier_ends AS (
    SELECT partner_id, end_on AS ended_on, end_reason
    FROM ordered_agreements
    WHERE end_on = covered_until_on AND next_start_on > end_on + 30
),

ends AS (
    SELECT
        earlier_ends.partner_id,
        earlier_ends.ended_on,
        earlier_ends.end_reason,
        CASE
            WHEN lower(trim(earlier_ends.end_reason)) IN (SELECT reason FROM exit_reasons) THEN 'exit'
            ELSE 'contractual'
        END AS end_kind
    FROM earlier_ends
    WHERE earlier_ends.partner_id IN (SELECT partner_id FROM partners)
    UNION ALL
    SELECT
        partner_id,
        exited_on AS ended_on,
        exit_reason AS end_reason,
        CASE WHEN exit_kind = 'exit' THEN 'exit' ELSE 'contractual' END AS end_kind
    FROM partners
    WHERE exited_on IS NOT NULL
),

final AS (
    SELECT ends.partner_id, ends.ended_on, ends.end_kind, ends.end_reason
    FROM ends
    CROSS JOIN run_settings AS s
    WHERE ends.ended_on <= s.as_of
    -- Two agreements that end on one day are one ending; an exit explains it better than churn.
    QUALIFY row_number() OVER (
        PARTITION BY ends.partner_id, ends.ended_on ORDER BY ends.end_kind DESC, ends.end_reason NULLS LAST
    ) = 1
)

SELECT * FROM final
