-- ledger_rate_present: every ledger entry can be converted into the reporting currency; those listed are in no cost.
-- severity: warning
-- table: canonical.ledger_entry
-- next: export rates of these currencies to the reporting currency from the first of these days on; `partnerhealth tables
--   fx_rate` shows the columns
SELECT entry_id, currency, amount, incurred_on, source_file, source_row
FROM intermediate.int_ledger
WHERE is_fx_missing
