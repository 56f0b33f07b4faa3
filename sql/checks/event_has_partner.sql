-- event_has_partner: at most 5 % of a source's events belong to nobody known as a partner.
-- severity: warning
-- table: fct_partner_day
-- next: `partnerhealth unresolved` lists the identifiers with likely partners and writes the sheet to map them in
WITH events AS (
    SELECT
        e.source,
        e.events,
        coalesce(person.partner_id, identity.partner_id) AS partner_id
    FROM rollup.partner_day AS e
    LEFT JOIN canonical.person AS person ON e.person_id = person.person_id
    LEFT JOIN intermediate.int_partner_identity AS identity ON e.partner_ref = identity.ref
)

SELECT source, sum(events) AS events, coalesce(sum(events) FILTER (WHERE partner_id IS NULL), 0) AS unresolved
FROM events
GROUP BY source
HAVING coalesce(sum(events) FILTER (WHERE partner_id IS NULL), 0) * 20 > sum(events)
