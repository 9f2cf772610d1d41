"""What the client's tests share: documents as tables, vectors, segments made by hand, a peer."""
