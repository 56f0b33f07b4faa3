-- partner_reference_resolved: every reference to a partner is known; the records behind those listed count for nobody.
-- severity: warning
-- table: canonical.partner_reference
-- next: `partnerhealth unresolved` lists the identifiers with likely partners and writes the sheet to map them in
WITH refs AS (
    SELECT 'agreement' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.agreement WHERE NOT _deleted
    UNION ALL
    SELECT 'partner_application' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.partner_application WHERE NOT _deleted
    UNION ALL
    SELECT 'onboarding_task' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.onboarding_task WHERE NOT _deleted
    UNION ALL
    SELECT 'opportunity' AS table_name, source_partner_ref AS ref, source_partner_id AS partner_id FROM canonical.opportunity WHERE NOT _deleted
    UNION ALL
    SELECT 'opportunity_partner' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.opportunity_partner WHERE NOT _deleted
    UNION ALL
    SELECT 'deal_registration' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.deal_registration WHERE NOT _deleted
    UNION ALL
    SELECT 'activity' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.activity WHERE NOT _deleted
    UNION ALL
    SELECT 'support_case' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.support_case WHERE NOT _deleted
    UNION ALL
    SELECT 'survey_response' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.survey_response WHERE NOT _deleted
    UNION ALL
    SELECT 'learning_record' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.learning_record WHERE NOT _deleted
    UNION ALL
    SELECT 'certification' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.certification WHERE NOT _deleted
    UNION ALL
    SELECT 'person' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.person WHERE NOT _deleted
    UNION ALL
    SELECT 'fund_flow' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.fund_flow WHERE NOT _deleted
    UNION ALL
    SELECT 'ledger_entry' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.ledger_entry WHERE NOT _deleted
    UNION ALL
    SELECT 'subscription_change' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.subscription_change WHERE NOT _deleted
    UNION ALL
    SELECT 'integration_usage' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.integration_usage WHERE NOT _deleted
    UNION ALL
    SELECT 'partner_history' AS table_name, partner_ref AS ref, partner_id AS partner_id FROM canonical.partner_history WHERE NOT _deleted
    UNION ALL
    SELECT 'target' AS table_name, scope_key AS ref, partner_id FROM canonical.target WHERE scope_kind = 'partner' AND NOT _deleted
)

SELECT table_name, ref, count(*) AS records
FROM refs
WHERE ref IS NOT NULL AND partner_id IS NULL
GROUP BY table_name, ref
