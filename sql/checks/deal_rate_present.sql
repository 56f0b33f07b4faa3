-- deal_rate_present: every deal with an amount can be converted into the reporting currency; those listed are in no
--   money sum.
-- severity: warning
-- table: fct_deal
-- next: export rates of these currencies to the reporting currency from the first of these days on; `partnerhealth tables
--   fx_rate` shows the columns
SELECT deal_id, currency, amount, closed_on, source_file, source_row
FROM fct_deal
WHERE is_fx_missing
