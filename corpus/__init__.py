"""What may be quoted: articles, their sections, sentences and sources as spans, and question banks."""
