-- fct_ledger_entry: what the programme cost and brought beside its deals, in the reporting currency.
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
WITH final AS (
    SELECT
        entry_id,
        partner_id,
        kind,
        direction,
        is_shared,
        is_unresolved,
        incurred_on,
        currency,
        amount,
        amount_base,
        is_fx_missing,
        deal_id,
        reference,
        source_name,
        source_file,
        source_row
    FROM intermediate.int_ledger
)

SELECT * FROM final
