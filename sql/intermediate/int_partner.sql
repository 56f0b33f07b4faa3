-- int_partner: the partners of the programme with what is known of them, before their deals are counted.
-- grain: surviving partner that is not a test account
-- key: partner_id
-- partner_id VARCHAR: native key of the surviving partner record
-- partner_name VARCHAR: name of the organisation
-- partner_type VARCHAR: what the partner does in the programme
-- segment VARCHAR: segment in which the programme compares the partner; its type where none is given
-- status VARCHAR: where the relationship stands, as the source states it
-- program_code VARCHAR: partner programme
-- tier_code VARCHAR: tier in the programme
-- tier_rank BIGINT: rank of the tier, 1 is the lowest
-- region VARCHAR: sales region
-- country VARCHAR: country, ISO 3166 two letters
-- owner_key VARCHAR: partner manager who owns the relationship
-- owner_name VARCHAR: name of the partner manager
-- parent_partner_id VARCHAR: organisation that this one belongs to, where it is a partner itself
-- signed_on DATE: first signature of a partnership agreement, else the day of joining; null where unknown or after the
--   as-of date
-- exited_on DATE: day on which the relationship ended, up to the as-of date; null while it lasts
-- exit_reason VARCHAR: why it ended
-- exit_kind VARCHAR: churn, or exit where the reason was not the partner's choice (setting churn.exit_reasons); null
--   while it lasts
-- is_enrolled BOOLEAN: in the programme at the as-of date: signed (or active where no signature is known) and not ended
-- source_name VARCHAR: configured name of the source instance
-- source_file VARCHAR: path of the export inside its source
-- source_row BIGINT: record number in the export
-- note: deleted, merged-away and test records are left out; what they did belongs to the survivor, or to nobody
-- note: the relationship ended on terminated_on; else when the last agreement ended and none is in force (an expired
--   one counts from 30 days on, so that a renewal signed late is no exit); else, where the source says terminated
--   without a day, at the record's last change
WITH agreements AS (
    SELECT
        agreement.partner_id,
        agreement.agreement_id,
        agreement.signed_on,
        coalesce(agreement.start_on, agreement.signed_on) AS start_on,
        agreement.end_reason,
        s.as_of,
        CASE
            WHEN agreement.status = 'terminated' THEN coalesce(
                agreement.end_on,
                CAST(((agreement.source_modified_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE)
            )
            WHEN agreement.status = 'expired' AND agreement.end_on + 30 <= s.as_of THEN agreement.end_on
            WHEN agreement.status = 'unknown' THEN agreement.end_on
        END AS ended_on
    FROM canonical.agreement AS agreement
    CROSS JOIN run_settings AS s
    WHERE
        NOT agreement._deleted
        AND agreement.partner_id IS NOT NULL
        AND agreement.kind IN ('partner_agreement', 'reseller', 'referral', 'msp')
        AND agreement.status NOT IN ('draft', 'in_approval')
),

agreement_facts AS (
    SELECT
        partner_id,
        min(signed_on) AS first_signed_on,
        count(*) FILTER (WHERE ended_on IS NULL OR ended_on > as_of) AS in_force,
        max(start_on) FILTER (WHERE ended_on IS NULL OR ended_on > as_of) AS in_force_since,
        max({'ended_on': ended_on, 'agreement_id': agreement_id, 'end_reason': end_reason})
            FILTER (WHERE ended_on <= as_of) AS last_end
    FROM agreements
    WHERE signed_on IS NULL OR signed_on <= as_of
    GROUP BY partner_id
),

-- Agreements that are not signed by the as-of date move the start: such a partner is still to come.
future_signatures AS (
    SELECT partner_id, min(signed_on) AS signed_on
    FROM agreements
    WHERE signed_on > as_of
    GROUP BY partner_id
),

partners AS (
    SELECT
        partner.*,
        s.as_of,
        CAST(((partner.source_modified_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS modified_on
    FROM canonical.partner AS partner
    INNER JOIN intermediate.int_partner_identity AS identity
        ON partner.partner_id = identity.ref AND partner.partner_id = identity.partner_id
    CROSS JOIN run_settings AS s
    WHERE NOT partner._deleted AND NOT coalesce(partner.is_test, FALSE)
),

dated AS (
    SELECT
        partners.*,
        CASE
            WHEN agreement_facts.first_signed_on IS NOT NULL THEN agreement_facts.first_signed_on
            WHEN future_signatures.signed_on IS NULL AND partners.joined_on <= partners.as_of THEN partners.joined_on
        END AS signed_on,
        agreement_facts.first_signed_on IS NULL
        AND (future_signatures.signed_on IS NOT NULL OR coalesce(partners.joined_on > partners.as_of, FALSE)) AS is_still_to_come,
        CASE
            WHEN
                partners.terminated_on <= partners.as_of
                AND coalesce(agreement_facts.in_force_since <= partners.terminated_on, TRUE)
                THEN partners.terminated_on
            WHEN partners.terminated_on IS NOT NULL THEN NULL
            WHEN agreement_facts.in_force = 0 THEN agreement_facts.last_end.ended_on
            WHEN partners.status = 'terminated' AND partners.modified_on <= partners.as_of THEN partners.modified_on
        END AS exited_on,
        coalesce(
            partners.exit_reason,
            CASE WHEN agreement_facts.in_force = 0 THEN agreement_facts.last_end.end_reason END
        ) AS ended_reason
    FROM partners
    LEFT JOIN agreement_facts ON partners.partner_id = agreement_facts.partner_id
    LEFT JOIN future_signatures ON partners.partner_id = future_signatures.partner_id
),

exit_reasons AS (
    SELECT lower(trim(value)) AS reason FROM setting_list WHERE setting = 'churn.exit_reasons'
),

final AS (
    SELECT
        dated.partner_id,
        dated.name AS partner_name,
        dated.partner_type,
        coalesce(dated.segment, dated.partner_type) AS segment,
        dated.status,
        dated.program_code,
        dated.tier_code,
        dated.tier_rank,
        dated.region,
        dated.country,
        dated.owner_key,
        dated.owner_name,
        CASE WHEN parent.partner_id <> dated.partner_id THEN parent.partner_id END AS parent_partner_id,
        dated.signed_on,
        dated.exited_on,
        CASE WHEN dated.exited_on IS NOT NULL THEN dated.ended_reason END AS exit_reason,
        CASE
            WHEN dated.exited_on IS NULL THEN NULL
            WHEN lower(trim(dated.ended_reason)) IN (SELECT reason FROM exit_reasons) THEN 'exit'
            ELSE 'churn'
        END AS exit_kind,
        dated.exited_on IS NULL
        AND NOT dated.is_still_to_come
        AND (
            dated.signed_on IS NOT NULL
            OR dated.status IN ('onboarding', 'active', 'suspended', 'inactive')
        ) AS is_enrolled,
        dated._source AS source_name,
        dated._file AS source_file,
        dated._row AS source_row
    FROM dated
    LEFT JOIN partners AS parent ON dated.parent_partner_id = parent.partner_id
)

SELECT * FROM final
