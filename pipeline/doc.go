// Package pipeline is the house in which the night happens; it holds no code itself.
//
// contract declares the canonical tables, preset reads mappings onto them, config reads the one file that a user
// writes. The stages source, ingest, lake, rollup, warehouse, score, report and publish do not know each other;
// run alone sees them all and cmd sees run. The tests of this package hold the house to these rules.
package pipeline
