"""Whom may Rolecall call, and how does it do so?"""
