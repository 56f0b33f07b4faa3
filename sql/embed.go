// Package sql holds the warehouse's SQL: one model a file, in the folder of its layer.
//
//	inputs/        contracts (header only) of the tables that Go code fills: settings and scores
//	canonical/     newest version of every source record, partners resolved, in schema canonical
//	rollup/        events to partner-days, portable SQL, run by pipeline/rollup
//	intermediate/  steps on the way, in schema intermediate, not published
//	marts/         dim_ and fct_ tables for analysts, in schema main
//	reports/       rpt_ tables, one a reader's question, in schema main
//	checks/        queries that return the rows that break a rule
//	explain/       queries behind `partnerhealth explain`, on the published database
//	tests/         cases of models and checks as txtar files; not part of the program
//
// The header of every file is its contract; pipeline/warehouse says how it is written.
package sql

import "embed"

// Files is the tree of SQL files, for pipeline/warehouse to load as a graph.
//
//go:embed */*.sql
var Files embed.FS
