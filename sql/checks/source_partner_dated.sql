-- source_partner_dated: a source partner in the CRM comes with the day on which it was set; those listed are believed
--   as if set in time.
-- severity: warning
-- table: fct_deal
-- next: export the history of the source partner field, so that later claims can be told from early ones
SELECT deal_id, source_partner_id, source_rule, source_file, source_row
FROM fct_deal
WHERE source_rule LIKE '%\_undated' ESCAPE '\'
