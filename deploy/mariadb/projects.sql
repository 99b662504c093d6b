-- What the service may use beside the database that the container makes: the answer log (FRAUD_KEEP_PROJECT).
-- Another project of FRAUD_STORE_PROJECTS needs a line of its own.
GRANT ALL ON fraud_answers.* TO 'fraud'@'%';
