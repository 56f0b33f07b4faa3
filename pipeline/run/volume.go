package run

import (
	"fmt"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

const (
	// ruleVolume is the rule of deliveries with far more or fewer records than the one before.
	ruleVolume = "volume"
	// volumeFrom is how many records the last good delivery must have had: a handful may double any day.
	volumeFrom = 20
)

// checkVolume compares the records of a delivery with those of the last good one of its object. Outside of the band
// it warns, or returns a *ingest.FileError where the contract freezes.
func (n *night) checkVolume(d *delivery, results []ingest.Result, before *shape) error {
	var records int64
	for i := range results {
		records += results[i].Records
	}
	message := strange(d.first().object, records, before)
	if message == "" {
		return nil
	}
	if d.first().object.Contract.Volume.Mode != preset.Freeze {
		n.warn("%s %s", d.name(), message)
		return nil
	}
	return &ingest.FileError{
		Source: d.first().source.Name, Object: d.first().object.Name, File: d.first().path, SHA256: d.first().sha256,
		Rule: ruleVolume, Message: "it " + message,
		NextStep: "look at the export: if it is whole, widen contract.volume of the object for one night; else export it again",
	}
}

// strange says what is strange about a number of records, "" where nothing is. Exports of what changed since the
// last one are as long as there were changes: for them only a band that the mapping states counts.
func strange(o *preset.Object, records int64, before *shape) string {
	band := o.Contract.Volume
	if before == nil || before.records < volumeFrom || !isSnapshot(o) && band == preset.DefaultContract().Volume {
		return ""
	}
	share := float64(records) / float64(before.records)
	switch {
	case share < band.Below:
		return fmt.Sprintf("has %s, the last good export had %d: less than %s of it", count(records, "record"), before.records, percent(band.Below))
	case share > band.Above:
		return fmt.Sprintf("has %s, the last good export had %d: more than %s of it", count(records, "record"), before.records, percent(band.Above))
	}
	return ""
}

func isSnapshot(o *preset.Object) bool {
	for i := range o.Tables {
		if o.Tables[i].Mode == contract.Snapshot {
			return true
		}
	}
	return false
}

func percent(share float64) string { return fmt.Sprintf("%.4g %%", share*100) }
