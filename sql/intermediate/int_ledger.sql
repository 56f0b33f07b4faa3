-- int_ledger: what the programme cost and brought beside its deals, in the reporting currency.
-- grain: ledger entry that counts
-- key: entry_id
-- entry_id VARCHAR: native key of the entry
-- partner_id VARCHAR: partner; null for shared money
-- kind VARCHAR: kind of money
-- direction VARCHAR: cost, income, settlement or informational
-- is_shared BOOLEAN: belongs to no partner, or to one that is not known: spread by ropi.driver
-- is_unresolved BOOLEAN: names a partner that nobody knows
-- incurred_on DATE: day of the entry
-- currency VARCHAR: currency of amount
-- amount DECIMAL(18,4): amount as exported, positive in its direction
-- amount_base DECIMAL(18,4): in the reporting currency at the rate of incurred_on; null where the rate is missing
-- is_fx_missing BOOLEAN: no rate converts it
-- deal_id VARCHAR: deal that it belongs to
-- reference VARCHAR: voucher
-- source_name VARCHAR: configured name of the source instance
-- source_file VARCHAR: path of the export inside its source
-- source_row BIGINT: record number in the export
-- note: reversed and failed entries, and those of test and deleted partners, do not count
WITH entries AS (
    SELECT entry.*
    FROM canonical.ledger_entry AS entry
    CROSS JOIN run_settings AS s
    WHERE NOT entry._deleted AND entry.status NOT IN ('reversed', 'failed') AND entry.incurred_on <= s.as_of
),

rated AS (
    SELECT
        entries.*,
        partner.partner_id AS known_partner_id,
        CASE WHEN coalesce(fx.valid_to > entries.incurred_on, TRUE) THEN fx.rate END AS rate
    FROM entries
    LEFT JOIN intermediate.int_partner AS partner ON entries.partner_id = partner.partner_id
    ASOF LEFT JOIN intermediate.int_fx AS fx ON entries.currency = fx.currency AND entries.incurred_on >= fx.valid_from
    WHERE entries.partner_id IS NULL OR partner.partner_id IS NOT NULL
),

final AS (
    SELECT
        entry_id,
        known_partner_id AS partner_id,
        kind,
        direction,
        known_partner_id IS NULL AS is_shared,
        known_partner_id IS NULL AND partner_ref IS NOT NULL AS is_unresolved,
        incurred_on,
        currency,
        amount,
        CASE
            WHEN rate = 1 THEN amount
            ELSE CAST(round(CAST(amount AS DOUBLE) / rate, 4) AS DECIMAL(18, 4))
        END AS amount_base,
        rate IS NULL AS is_fx_missing,
        opportunity_id AS deal_id,
        reference,
        _source AS source_name,
        _file AS source_file,
        _row AS source_row
    FROM rated
)

SELECT * FROM final
