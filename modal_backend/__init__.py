"""The models and the one way to call them. Knows nothing of Streamlit, pages or the database."""
