"""How to find it: embeddings in FAISS and terms in BM25, over passages, sentences and banked questions."""
