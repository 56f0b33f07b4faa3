package preset

import "slices"

// HashesEmails reports whether a column of the object is a keyed hash of an e-mail address, so that what a file becomes
// depends on the key as well.
func (o *Object) HashesEmails() bool {
	return slices.ContainsFunc(o.Tables, func(t Table) bool { return slices.ContainsFunc(t.Columns, hashesEmails) })
}

func hashesEmails(c Column) bool {
	hashes := func(t Transform) bool { return t.Name == HMACEmail }
	return slices.ContainsFunc(c.Transforms, hashes) ||
		slices.ContainsFunc(c.References, func(ref Reference) bool { return slices.ContainsFunc(ref.Transforms, hashes) })
}
