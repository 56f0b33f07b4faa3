package source

import "fmt"

// FolderError says that the folder of exports cannot be listed: it does not exist, is no folder, or may not be read.
type FolderError struct {
	Folder string
	Err    error
}

func (e *FolderError) Error() string {
	return fmt.Sprintf("list exports in %s: %v", e.Folder, e.Err)
}

func (e *FolderError) Unwrap() error { return e.Err }

// ChangedError says that an export is not, or no longer, what the listing showed. Its content must not be
// used; the next run finds it anew.
type ChangedError struct {
	Path string
	// Reason says what differs, for a person.
	Reason string
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("export %s changed while it was being read: %s", e.Path, e.Reason)
}

// NameError says that an export cannot be taken under the name it has.
type NameError struct {
	Path   string
	Reason string
}

func (e *NameError) Error() string { return fmt.Sprintf("export %q: %s", e.Path, e.Reason) }
