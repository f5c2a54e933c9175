"""Where the files of media lie: the data folder, and storage that several machines share."""
