-- deal_closed_in_the_future: a deal that the source calls closed has closed by the as-of date; those listed count as open.
-- severity: warning
-- table: fct_deal
-- next: correct the closing day in the CRM, or map the stage as open
SELECT deal.deal_id, exported.stage_raw, exported.closed_at, exported.expected_close_on, deal.source_file, deal.source_row
FROM fct_deal AS deal
INNER JOIN canonical.opportunity AS exported ON deal.deal_id = exported.opportunity_id
WHERE deal.outcome = 'open' AND (exported.is_closed OR exported.is_won)
