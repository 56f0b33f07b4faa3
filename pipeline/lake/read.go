package lake

// LiveRejects returns the absolute paths of the live files of refused records of the lake in folder dir, as
// OpenView sees them.
func LiveRejects(dir string) ([]string, error) {
	v, err := OpenView(dir)
	if err != nil {
		return nil, err
	}
	return v.Rejects(), nil
}
