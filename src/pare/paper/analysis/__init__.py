"""The paper's figures for any trained model: loss landscape, distances, embeddings, patches, retained knowledge."""
