"""What the API server says of objects that are readable and wrong: pure functions from objects to its faults.

Each returns every fault, in the server's order and words. What no verb of a chat writes is checked as far as tests
need it; an object of which nothing is said here may still be refused by a real server.
"""
