package builtin

import "github.com/partnerhealth/partnerhealth/pipeline/preset"

// Example returns the built-in mapping called name, in which every required parameter has the value that the mapping
// gives as its example. It says what the system's exports look like; rows are made with the values of a source.
func Example(name string) (*preset.Mapping, error) {
	data, err := Read(name)
	if err != nil {
		return nil, err
	}
	parameters, err := preset.Parameters(name, data)
	if err != nil {
		return nil, err
	}
	with := preset.With{Source: name, Parameters: map[string]preset.Value{}}
	for _, p := range parameters {
		if p.Required && p.Example != nil {
			with.Parameters[p.Name] = *p.Example
		}
	}
	return preset.Parse(name, data, with)
}
