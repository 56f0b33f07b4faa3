-- won_amount_usable: won deals have an amount that is not negative; those listed are in no money sum.
-- severity: warning
-- table: fct_deal
-- next: correct the amounts of these deals in the CRM
SELECT deal_id, amount, currency, closed_on, source_file, source_row
FROM fct_deal
WHERE outcome = 'won' AND NOT is_excluded AND NOT coalesce(amount >= 0, FALSE)
