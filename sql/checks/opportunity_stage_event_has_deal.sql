-- opportunity_stage_event_has_deal: every stage change that names a deal names one that is exported.
-- severity: warning
-- table: canonical.opportunity_stage_event
-- next: export these deals as well; a filter on the export of deals is the usual reason
SELECT child.opportunity_id, count(*) AS records
FROM canonical.opportunity_stage_event AS child
LEFT JOIN canonical.opportunity AS deal ON child.opportunity_id = deal.opportunity_id
WHERE NOT child._deleted AND child.opportunity_id IS NOT NULL AND deal.opportunity_id IS NULL
GROUP BY child.opportunity_id
