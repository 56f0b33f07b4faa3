-- int_partner_identity: which surviving partner every known reference means at the as-of date.
-- grain: reference
-- key: ref
-- ref VARCHAR: reference as facts carry it: <source>:<id_type>:<value>
-- partner_id VARCHAR: the surviving partner, merges followed
-- note: made by canonical.partner_reference, which the canonical tables join themselves; this is the door for
--   everything above
WITH final AS (
    SELECT ref, partner_id
    FROM canonical.partner_reference
    WHERE is_current AND partner_id IS NOT NULL
)

SELECT * FROM final
