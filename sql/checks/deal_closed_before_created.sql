-- deal_closed_before_created: deals close on or after the day of their creation; those listed are out of the sales cycle.
-- severity: warning
-- table: fct_deal
-- next: correct the day of creation or of closing in the CRM
SELECT deal_id, created_on, closed_on, source_file, source_row
FROM fct_deal
WHERE closed_on < created_on
