-- stage_map: what each stage of each source means, as its stage list says, else as its deals show.
-- grain: source x pipeline x stage
-- key: source, pipeline, stage
-- source VARCHAR: configured name of the source instance
-- pipeline VARCHAR: sales process; empty for the stage's meaning in any process
-- stage VARCHAR: stage as the source names it
-- stage_class VARCHAR: open, won, lost or omitted
-- stage_order BIGINT: position of the stage in its process; null where only deals tell
-- is_closed BOOLEAN: won or lost
-- is_won BOOLEAN: won
-- basis VARCHAR: code_map, or deals where the stage list does not have the stage
-- note: raw_value of code_map domain stage is the stage, or pipeline|stage; a stage that itself has a bar in its name is
--   found either way
-- note: deals show a stage's meaning where all versions that say themselves whether they are won or lost agree
WITH stage_codes AS (
    SELECT source, raw_value, canonical, "order" AS stage_order, is_closed, is_won
    FROM canonical.code_map
    WHERE domain = 'stage' AND NOT _deleted
),

spelled AS (
    SELECT source, '' AS pipeline, raw_value AS stage, canonical, stage_order, is_closed, is_won FROM stage_codes
    UNION ALL
    SELECT
        source,
        split_part(raw_value, '|', 1) AS pipeline,
        substr(raw_value, instr(raw_value, '|') + 1) AS stage,
        canonical,
        stage_order,
        is_closed,
        is_won
    FROM stage_codes
    WHERE contains(raw_value, '|')
),

listed AS (
    SELECT
        source,
        pipeline,
        stage,
        CASE
            WHEN is_won THEN 'won'
            WHEN is_closed THEN 'lost'
            WHEN canonical IN ('open', 'won', 'lost', 'omitted') THEN canonical
            WHEN is_closed IS NOT NULL THEN 'open'
        END AS stage_class,
        stage_order,
        'code_map' AS basis,
        1 AS precedence
    FROM spelled
),

deals AS (
    SELECT DISTINCT
        _source AS source,
        coalesce(pipeline, '') AS pipeline,
        stage_raw AS stage,
        CASE WHEN is_won THEN 'won' WHEN is_closed THEN 'lost' ELSE 'open' END AS stage_class
    FROM lake.opportunity
    WHERE stage_raw IS NOT NULL AND coalesce(is_won, is_closed) IS NOT NULL
),

shown AS (
    SELECT source, pipeline, stage, min(stage_class) AS stage_class, NULL AS stage_order, 'deals' AS basis, 2 AS precedence
    FROM (
        SELECT * FROM deals
        UNION
        SELECT source, '' AS pipeline, stage, stage_class FROM deals
    )
    GROUP BY source, pipeline, stage
    HAVING count(DISTINCT stage_class) = 1
),

final AS (
    SELECT
        source,
        pipeline,
        stage,
        stage_class,
        CAST(stage_order AS BIGINT) AS stage_order,
        stage_class IN ('won', 'lost') AS is_closed,
        stage_class = 'won' AS is_won,
        basis
    FROM (
        SELECT * FROM listed WHERE stage_class IS NOT NULL
        UNION ALL
        SELECT shown.* FROM shown
        LEFT JOIN listed
            ON
                shown.source = listed.source
                AND shown.stage = listed.stage
                AND listed.pipeline IN ('', shown.pipeline)
                AND listed.stage_class IS NOT NULL
        WHERE listed.stage IS NULL
    )
    QUALIFY row_number() OVER (PARTITION BY source, pipeline, stage ORDER BY precedence, stage_order, stage_class) = 1
)

SELECT * FROM final
