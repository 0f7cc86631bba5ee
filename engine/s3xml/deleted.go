package s3xml

// Deleted is one line of a DeleteResult; Code is "" where the object is gone.
type Deleted struct {
	Key, VersionID string // as they were asked for
	Code, Message  string
	// Marker: a delete marker was deleted, or made; MarkerID is its version.
	Marker   bool
	MarkerID string
}

// AppendDeleteResult writes the answer to DeleteObjects; quiet leaves the successes out.
func AppendDeleteResult(buf []byte, quiet bool, lines []Deleted) []byte {
	w := NewWriter(buf)
	w.Root("DeleteResult")
	for i := range lines {
		name := "Deleted"
		if lines[i].Code != "" {
			name = "Error"
		} else if quiet {
			continue
		}
		lines[i].write(w, name)
	}
	w.Close("DeleteResult")
	return w.Bytes()
}

func (d *Deleted) write(w *Writer, name string) {
	w.Open(name)
	w.Text("Key", d.Key)
	if d.VersionID != "" {
		w.Text("VersionId", d.VersionID)
	}
	if d.Marker {
		w.Bool("DeleteMarker", true)
		w.Text("DeleteMarkerVersionId", d.MarkerID)
	}
	if d.Code != "" {
		w.Text("Code", d.Code)
		w.Text("Message", d.Message)
	}
	w.Close(name)
}
