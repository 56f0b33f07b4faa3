-- int_partner_stage_at: the lifecycle stage of each partner at each snapshot, as known then (M44).
-- grain: partner x snapshot from its application, agreement or first commercial event
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot
-- stage VARCHAR: recruit, onboard, enable, sell, grow or exited
-- stage_entered_on DATE: day on which it was entered; null where the source gives no date
-- is_enrolled BOOLEAN: under agreement, or in the programme where no signature is known
-- tenure_days INTEGER: days since the agreement was signed; null where unknown
-- segment VARCHAR: segment in which the programme compares the partner
-- note: a stage is never left backwards; after churn the next commercial event starts again at sell
-- note: grow is entered with the second won deal of a spell: then two deals are won and one lies in the trailing 365 days
WITH milestones AS (
    SELECT * FROM intermediate.int_partner_milestone
),

partners AS (
    SELECT * FROM intermediate.int_partner
),

views AS (
    SELECT
        partners.partner_id,
        snapshot.snapshot_on,
        partners.segment,
        partners.is_enrolled OR partners.exited_on IS NOT NULL AS is_member,
        milestones.applied_on,
        milestones.signed_on,
        milestones.enabled_on,
        milestones.exited_on,
        rhythm.first_event_on,
        rhythm.spell_started_on,
        rhythm.grow_on
    FROM partners
    INNER JOIN milestones ON partners.partner_id = milestones.partner_id
    CROSS JOIN intermediate.int_snapshot AS snapshot
    LEFT JOIN intermediate.int_partner_rhythm AS rhythm
        ON partners.partner_id = rhythm.partner_id AND snapshot.snapshot_on = rhythm.snapshot_on
),

stages AS (
    SELECT
        *,
        CASE
            WHEN exited_on < snapshot_on THEN 'exited'
            WHEN grow_on IS NOT NULL THEN 'grow'
            WHEN spell_started_on IS NOT NULL THEN 'sell'
            WHEN enabled_on < snapshot_on THEN 'enable'
            WHEN signed_on < snapshot_on THEN 'onboard'
            -- A member without any date is past onboarding as far as anybody knows, and has not sold.
            WHEN signed_on IS NULL AND is_member THEN 'enable'
            WHEN applied_on < snapshot_on THEN 'recruit'
        END AS stage
    FROM views
),

final AS (
    SELECT
        partner_id,
        snapshot_on,
        stage,
        CASE stage
            WHEN 'exited' THEN exited_on
            WHEN 'grow' THEN grow_on
            WHEN 'sell' THEN spell_started_on
            WHEN 'enable' THEN enabled_on
            WHEN 'onboard' THEN signed_on
            ELSE applied_on
        END AS stage_entered_on,
        is_member AND stage <> 'exited' AND (signed_on IS NULL OR signed_on < snapshot_on) AS is_enrolled,
        CASE WHEN signed_on < snapshot_on THEN CAST(snapshot_on - 1 - signed_on AS INTEGER) END AS tenure_days,
        segment
    FROM stages
    WHERE stage IS NOT NULL
)

SELECT * FROM final
