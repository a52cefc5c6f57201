"""The Web API, one module for each family of methods.

Each method is a plain function from a call to the answer's body, declared with the token, the scopes and the rate it
needs. It changes the workspace and nothing else; HTTP, authentication, rates and faults lie outside.
"""
